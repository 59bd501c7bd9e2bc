import type { Config } from "../wire.js";

/** `GET /1.0/networks/{name}/leases`. */
export interface WireLease {
  readonly hostname: string;
  readonly hwaddr: string;
  readonly address: string;
  readonly type: string;
  readonly location?: string;
}

/** A rule of an access list. What is not there matches everything. */
export interface WireRule {
  readonly action: string;
  readonly state: string;
  readonly protocol?: string;
  readonly source?: string;
  readonly destination?: string;
  readonly source_port?: string;
  readonly destination_port?: string;
  readonly icmp_type?: string;
  readonly icmp_code?: string;
  readonly description?: string;
}

/** `GET /1.0/network-acls/{name}`. */
export interface WireAcl {
  readonly name: string;
  readonly description?: string;
  readonly ingress?: readonly WireRule[] | null;
  readonly egress?: readonly WireRule[] | null;
  readonly config?: Config | null;
  readonly used_by?: readonly string[] | null;
}

/** `GET /1.0/networks/{network}/forwards/{address}`. */
export interface WireForward {
  readonly listen_address: string;
  readonly description?: string;
  /** `target_address`: where goes what no port says otherwise of. */
  readonly config?: Config | null;
  readonly ports?: readonly WirePort[] | null;
  readonly location?: string;
}

export interface WirePort {
  readonly protocol: string;
  /** `80`, `80,443`, `8000-8010`. */
  readonly listen_port: string;
  readonly target_port?: string;
  readonly target_address: string;
  readonly description?: string;
}
