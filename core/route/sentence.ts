import type { ConnectionEntry } from "../connections.js";
import { parseNumber, parseQuantity } from "../query/quantity.js";
import type { Requirement } from "./requirement.js";
import { ARCH_WORDS, FILLER, PHRASES, SIZE_WORDS, SIZES, SOFTWARE, SYSTEMS, TIERS, WORKLOADS } from "./words.js";

/** What a sentence says, and the words of it that say nothing known. */
export interface Sentence {
  readonly requirement: Requirement;
  readonly ignored: readonly string[];
}

type Draft = { -readonly [name in keyof Requirement]: Requirement[name] };

/** What a phrase does to the requirement. */
type Meaning = (draft: Draft, negated: boolean) => void;

interface Token {
  /** As it was written, without quotes and final punctuation. */
  readonly text: string;
  /** Lower case, with spaces for hyphens and underscores. */
  readonly plain: string;
  readonly quoted: boolean;
}

/** A name with a tag, a digest or a path. */
const IMAGE = /^[a-z0-9][\w.-]*(:\d+)?(\/[\w.-]+)*(:[\w./-]+|@sha256:[0-9a-f]+)$|^[a-z][\w.-]*\/[\w./-]*[a-z][\w./-]*$/i;
const MAX_LENGTH = 2000;
const LONGEST_PHRASE = 4;
const CORES = /^v?(core|cpu)s?$/;
const ORIENTED = new Set(["on", "in", "at", "within", "to", "onto", "into", "inside", "via", "through"]);
const NEGATIONS = new Set(["no", "not", "without", "except", "avoid", "never"]);
const NAMING = new Set(["named", "called"]);
const BESIDE = ["next to", "beside", "near", "together with", "alongside", "close to", "same node as", "same host as", "on the same node as"];
const APART = [
  "away from",
  "apart from",
  "far from",
  "not with",
  "not beside",
  "not near",
  "not next to",
  "separate from",
  "not on the same node as",
];

/**
 * A sentence about a workload as a requirement. No model: a dictionary of phrases, the longest that fits first; the same sentence always
 * means the same. Names of connections, their tags, platforms, workload types and features come from what is configured.
 */
export function readSentence(sentence: string, entries: readonly ConnectionEntry[]): Sentence {
  const reader = new Reader(tokensOf(sentence.slice(0, MAX_LENGTH)), entries);
  return reader.read();
}

function tokensOf(sentence: string): readonly Token[] {
  return [...sentence.matchAll(/"([^"]*)"|'([^']*)'|[^\s,;!?()]+/g)].flatMap(([whole, double, single]) => {
    const quoted = double ?? single;
    const text = quoted ?? whole.replace(/[.:]+$/, "");
    return text === "" ? [] : [{ text, plain: spacedOut(text), quoted: quoted !== undefined }];
  });
}

const spacedOut = (text: string): string => text.toLowerCase().replaceAll(/[-_]+/g, " ").trim();
const singular = (text: string): string =>
  /ies$/.test(text) ? text.replace(/ies$/, "y") : /(s|x|z|ch|sh)es$/.test(text) ? text.slice(0, -2) : text.replace(/s$/, "");

class Reader {
  readonly #tokens: readonly Token[];
  readonly #entries: readonly ConnectionEntry[];
  readonly #phrases: ReadonlyMap<string, Meaning>;
  readonly #draft: Draft = {};
  readonly #ignored: string[] = [];
  #at = 0;
  #negated = false;
  /** A size in a word; numbers beside it win, wherever they stand. */
  #size: { readonly cpu: number; readonly memory: number } | undefined;

  constructor(tokens: readonly Token[], entries: readonly ConnectionEntry[]) {
    this.#tokens = tokens;
    this.#entries = entries;
    this.#phrases = this.#dictionary();
  }

  read(): Sentence {
    while (this.#at < this.#tokens.length) {
      const before = this.#at;
      const negation = this.#negated;
      if (!this.#name() && !this.#neighbour() && !this.#place() && !this.#amount() && !this.#image() && !this.#phrase() && !this.#tagged())
        this.#rest();
      // A negation holds for the next thing that is said.
      if (negation && this.#at > before && !FILLER.has(this.#tokens[before]?.plain ?? "")) this.#negated = false;
    }
    const { software, workload } = this.#draft;
    const type = software === undefined ? undefined : SOFTWARE[software.split(":")[0] ?? ""]?.workload;
    // What was said in so many words wins over what the software usually is.
    const requirement = { ...this.#size, ...this.#draft, ...(workload === undefined && type ? { workload: type } : {}) };
    return { requirement, ignored: this.#ignored };
  }

  #token(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  /** The next `length` words as one, if none of them is quoted. */
  #words(length: number, ahead = 0): string | undefined {
    const tokens = this.#tokens.slice(this.#at + ahead, this.#at + ahead + length);
    return tokens.length === length && tokens.every((token) => !token.quoted) ? tokens.map((token) => token.plain).join(" ") : undefined;
  }

  /** `named web1`, `called "db"` */
  #name(): boolean {
    const next = this.#token(1);
    if (!next || !NAMING.has(this.#words(1) ?? "")) return false;
    this.#draft.name = next.text;
    this.#at += 2;
    return true;
  }

  /** `next to web1`, `away from db*`; several with `and`. */
  #neighbour(): boolean {
    for (const [phrases, field] of [
      [APART, "anti_affinity"],
      [BESIDE, "affinity"],
    ] as const) {
      const phrase = phrases.find((one) => this.#words(one.split(" ").length) === one);
      if (!phrase) continue;
      const length = phrase.split(" ").length;
      const skipped = ["the", "my"].includes(this.#token(length)?.plain ?? "") ? 1 : 0;
      const first = this.#token(length + skipped);
      if (!first || spacedOut(first.text) === "each") {
        if (field !== "anti_affinity" || !first) return false;
        this.#at += length + skipped + (this.#token(length + skipped + 1)?.plain === "other" ? 2 : 1);
        this.#draft.anti_affinity = [...(this.#draft.anti_affinity ?? []), "self"];
        return true;
      }
      this.#draft[field] = [...(this.#draft[field] ?? []), first.text];
      this.#at += length + skipped + 1;
      return true;
    }
    return false;
  }

  /** `on pi`, `in region eu`, `in staging`, `not on pve`: a connection, a platform, a tag. */
  #place(): boolean {
    let ahead = 0;
    const denied = this.#negated || ["except", "avoid"].includes(this.#words(1) ?? "");
    if (denied && !this.#negated) ahead += 1;
    if (ORIENTED.has(this.#words(1, ahead) ?? "")) ahead += 1;
    if (ahead === 0) return false;
    if (["the", "a", "my", "our"].includes(this.#words(1, ahead) ?? "")) ahead += 1;
    for (const length of [3, 2, 1]) {
      const words = this.#words(length, ahead) ?? (length === 1 ? this.#token(ahead)?.plain : undefined);
      if (words === undefined) continue;
      if (this.#connection(words, denied)) return this.#took(ahead + length + (HOSTLIKE.has(this.#words(1, ahead + length) ?? "") ? 1 : 0));
    }
    if (denied) return false;
    for (const length of [3, 2, 1]) {
      const words = this.#words(length, ahead);
      if (words !== undefined && this.#tag(words, true)) return this.#took(ahead + length + (this.#words(1, ahead + length) === "tier" ? 1 : 0));
    }
    return false;
  }

  #took(count: number): true {
    this.#at += count;
    return true;
  }

  /** A connection by its name, or all of a platform by what it is called. */
  #connection(words: string, denied: boolean): boolean {
    const named = this.#entries.find((entry) => spacedOut(entry.name) === words);
    const provider = named ? undefined : this.#entries.find((entry) => titlesOf(entry).includes(words))?.provider;
    const name = named?.name ?? provider?.name;
    if (name === undefined) return false;
    const list = denied ? "deny" : "allow";
    const connections = this.#draft.connections ?? {};
    this.#draft.connections = { ...connections, [list]: [...(connections[list] ?? []), name] };
    return true;
  }

  /** `eu` where a connection is tagged so, `region eu`, a tier by any of its names. */
  #tag(words: string, oriented: boolean): boolean {
    const keys = [...new Set(["region", "tier", ...this.#entries.flatMap((entry) => Object.keys(entry.connection.tags)).sort()])];
    const [first = "", ...more] = words.split(" ");
    const last = more.at(-1) ?? "";
    for (const [key, value] of [
      [first, more.join(" ")],
      [last, [first, ...more.slice(0, -1)].join(" ")],
    ] as const) {
      if (more.length === 0 || !keys.includes(key)) continue;
      const configured = this.#configured(value);
      // One word is a value even if nothing has it: the answer then says that nothing does.
      if (configured !== undefined || (more.length === 1 && !FILLER.has(value))) return this.#setTag(key, configured ?? value);
    }
    for (const key of keys) {
      const value = this.#entries.map((entry) => entry.connection.tags[key]).find((tag) => tag !== undefined && spacedOut(tag) === words);
      if (value !== undefined) return this.#setTag(key, value);
    }
    const tier = oriented ? Object.entries(TIERS).find(([, forms]) => forms.includes(words))?.[0] : undefined;
    return tier === undefined ? false : this.#setTag("tier", tier);
  }

  #setTag(key: string, value: string): true {
    if (key === "region" || key === "tier") this.#draft[key] = value;
    else this.#draft.tags = { ...this.#draft.tags, [key]: value };
    return true;
  }

  /** A tag's value as it is configured: `eu west` is `eu-west`. */
  #configured(words: string): string | undefined {
    return this.#entries.flatMap((entry) => Object.values(entry.connection.tags)).find((tag) => spacedOut(tag) === words);
  }

  /** `2gb`, `2 gb of ram`, `4 cores`, `disk of 20 GiB`, `3 web servers`, `2x`. */
  #amount(): boolean {
    const token = this.#token();
    if (!token || token.quoted) return false;
    const glued = /^(\d{1,12}(?:[.,]\d{1,6})?)-?([a-z%]+)$/i.exec(token.text);
    const number = parseNumber(glued?.[1] ?? token.plain);
    if (number === undefined) return false;
    const unit = (glued?.[2] ?? this.#token(1)?.plain ?? "").toLowerCase();
    const used = glued ? 1 : 2;
    const [word = ""] = unit.split(" ");
    if (CORES.test(word)) {
      this.#draft.cpu = number;
      return this.#took(used);
    }
    const quantity = parseQuantity(number, word);
    if (quantity?.dimension === "bytes" && !(word.length === 1 && !glued)) {
      // The unit as it is displayed: 2gb is 2 GiB, as memory is sold and limited.
      const field = this.#fieldOf(used);
      this.#draft[field.name] = Math.ceil(quantity.high);
      return this.#took(used + field.used);
    }
    if (glued) return word === "x" && this.#count(number, 1);
    // "for 2 days" is no number of copies.
    return quantity === undefined && this.#count(number, 1);
  }

  #count(number: number, used: number): boolean {
    if (!Number.isInteger(number) || number < 1) return false;
    this.#draft.count = number;
    return this.#took(used);
  }

  /** Which field a size belongs to: the word after it, or before it; memory if neither says. */
  #fieldOf(ahead: number): { readonly name: "memory" | "disk"; readonly used: number } {
    const of = ["of", "for"].includes(this.#words(1, ahead) ?? "") ? 1 : 0;
    for (const length of [2, 1]) {
      const after = this.#words(length, ahead + of) ?? "";
      if (MEMORY.has(after)) return { name: "memory", used: of + length };
      if (DISK.has(after)) return { name: "disk", used: of + length };
    }
    for (const back of [-1, -2]) {
      const before = this.#token(back)?.plain ?? "";
      if (MEMORY.has(before)) return { name: "memory", used: 0 };
      if (DISK.has(before)) return { name: "disk", used: 0 };
      if (!FILLER.has(before)) break;
    }
    return { name: "memory", used: 0 };
  }

  #phrase(): boolean {
    for (let length = LONGEST_PHRASE; length >= 1; length -= 1) {
      const words = this.#words(length);
      if (words === undefined) continue;
      const meaning = this.#phrases.get(words) ?? this.#phrases.get(singular(words));
      if (!meaning) continue;
      this.#at += length;
      meaning(this.#draft, this.#negated);
      return true;
    }
    return false;
  }

  /** `image nginx`, `the busybox image`, `ghcr.io/a/b:1`: what looks like an image is one. */
  #image(): boolean {
    const [token, next] = [this.#token(), this.#token(1)];
    if (!token) return false;
    if (!token.quoted && IMAGE.test(token.text) && !token.text.includes("://") && !FILLER.has(token.plain)) {
      this.#draft.image = token.text;
      return this.#took(1);
    }
    if (!next || (token.plain !== "image" && next.plain !== "image")) return false;
    const named = token.plain === "image" ? next : token;
    if (!this.#namesImage(named)) return false;
    this.#draft.image = named.text;
    return this.#took(2);
  }

  /** Beside "image" stands its name, if that is no word for something else. */
  #namesImage({ text, plain, quoted }: Token): boolean {
    if (quoted || IMAGE.test(text)) return true;
    if ([FILLER, NEGATIONS, NAMING, ORIENTED, MEMORY, DISK].some((words) => words.has(plain)) || parseNumber(plain) !== undefined) return false;
    if (this.#entries.some((entry) => titlesOf(entry).includes(plain))) return false;
    return Object.hasOwn(SOFTWARE, plain) || !this.#phrases.has(plain);
  }

  /** A connection or a tag without a preposition. */
  #tagged(): boolean {
    const words = this.#words(1);
    if (words === undefined) return false;
    // "a gpu box" is no connection that is called box.
    if (!FILLER.has(words) && this.#connection(words, this.#negated)) return this.#took(1);
    for (const length of [2, 1]) {
      const several = this.#words(length);
      if (several !== undefined && !FILLER.has(several) && this.#tag(several, false)) return this.#took(length);
    }
    return false;
  }

  #rest(): void {
    const token = this.#token();
    this.#at += 1;
    if (!token) return;
    if (!token.quoted && NEGATIONS.has(token.plain)) this.#negated = true;
    else if (token.quoted || !(FILLER.has(token.plain) || FILLER.has(singular(token.plain)) || MEMORY.has(token.plain) || DISK.has(token.plain)))
      this.#ignored.push(token.text);
  }

  /** A version after the name of a system or of software: `debian 12`. A number that counts cores is none. */
  #version(): string | undefined {
    const token = this.#token();
    if (!token || !/^v?\d{1,4}(\.\d{1,4}){0,3}$/.test(token.text)) return undefined;
    const next = this.#token(1)?.plain.split(" ")[0] ?? "";
    if (
      CORES.test(next) || parseQuantity(1, next) || FILLER.has(singular(next)) === false
        ? CORES.test(next) || parseQuantity(1, next) !== undefined
        : false
    )
      return undefined;
    this.#at += 1;
    return token.text.replace(/^v/, "");
  }

  #dictionary(): ReadonlyMap<string, Meaning> {
    const phrases = new Map<string, Meaning>();
    const add = (words: readonly string[], meaning: Meaning): void => {
      for (const word of words) phrases.set(spacedOut(word), meaning);
    };
    for (const { provider } of this.#entries)
      for (const { workload, features = [] } of provider.hosts) {
        for (const feature of features) {
          if (feature === "linux") continue;
          add([feature], (draft, negated) => {
            if (!negated) draft.features = [...new Set([...(draft.features ?? []), feature])];
          });
        }
        add([workload], (draft) => void (draft.isolation = workload));
      }
    for (const [type, words] of Object.entries(WORKLOADS)) add([...words, type], (draft) => void (draft.workload = type));
    for (const [words, says] of PHRASES)
      add(words, (draft, negated) => {
        for (const [name, value] of Object.entries(says)) {
          if (typeof value === "boolean") Object.assign(draft, { [name]: negated ? !value : value });
          else if (!negated) Object.assign(draft, { [name]: value });
        }
      });
    for (const [name, { says = [] }] of Object.entries(SOFTWARE))
      add([name, ...says], (draft) => {
        const version = this.#version();
        draft.software = version === undefined ? name : `${name}:${version}`;
      });
    for (const [name, words] of Object.entries(SYSTEMS))
      add(words, (draft) => {
        const version = this.#version();
        draft.os = version === undefined ? name : `${name} ${version}`;
      });
    for (const [word, arch] of ARCH_WORDS) add([word], (draft) => void (draft.arch = arch));
    for (const [size, words] of Object.entries(SIZE_WORDS)) add([size, ...words], () => void (this.#size = SIZES[size]));
    return phrases;
  }
}

const MEMORY = new Set(["memory", "ram", "mem"]);
const DISK = new Set(["disk", "disk space", "storage", "ssd", "hdd", "space", "root disk", "volume"]);
const HOSTLIKE = new Set(["host", "cluster", "server", "node", "connection", "hosts", "clusters"]);

/** What a platform is called: its name and the parts of its title, as in "LXD / Incus". */
const titlesOf = ({ provider }: ConnectionEntry): readonly string[] => [provider.name, ...provider.title.split("/")].map(spacedOut);
