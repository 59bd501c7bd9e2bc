import type { Spread } from "./spread.js";
import type { Text } from "./world.js";

/** A rule of an access list, as it is on the wire. */
export type Rule = Readonly<Record<string, string>>;

export interface Acl {
  readonly name: string;
  description: string;
  ingress: readonly Rule[];
  egress: readonly Rule[];
  config: Text;
}

export interface Forward {
  readonly listen_address: string;
  readonly location: string;
  description: string;
  config: Text;
  ports: readonly Readonly<Record<string, string>>[];
}

export interface Network {
  readonly name: string;
  readonly type: string;
  readonly managed: boolean;
  description: string;
  config: Text;
  /** Of one that the server runs. */
  spread?: Spread;
  /** By address and member. */
  readonly forwards: Map<string, Forward>;
}
