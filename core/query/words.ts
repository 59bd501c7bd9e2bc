/**
 * The English that queries are written in: what compares, joins, orders, counts, names. Nothing here belongs to a platform; all nouns, fields
 * and values come from declarations.
 */
export type Comparison = "above" | "min" | "below" | "max" | "equal" | "about";

export type GrammarWord =
  | { readonly is: "filler" }
  | { readonly is: "compare"; readonly how: Comparison }
  /** Stands behind its quantity: "4 cores or more". */
  | { readonly is: "compareAfter"; readonly how: Comparison }
  | { readonly is: "between" | "and" | "or" | "not" | "except" | "comma" | "open" | "close" }
  | { readonly is: "with" | "without" | "place" | "of" | "by" | "be" | "using" | "free" | "used" | "percentOf" | "upFor" | "old" | "ago" }
  | { readonly is: "named"; readonly how: "equal" | "prefix" | "suffix" | "contains" }
  | { readonly is: "limit"; readonly from: "top" | "bottom" | "first" }
  | { readonly is: "sort" }
  | { readonly is: "direction"; readonly direction: "asc" | "desc" }
  /** "oldest": orders by a field that is found by what it means. */
  | { readonly is: "superlative"; readonly by: SuperlativeField; readonly direction: "asc" | "desc" }
  /** "most memory": orders by the field that follows. */
  | { readonly is: "extreme"; readonly direction: "asc" | "desc" }
  | { readonly is: "aggregate"; readonly op: "count" | "sum" | "avg" | "min" | "max" }
  | { readonly is: "howMuch" }
  | { readonly is: "age"; readonly direction: "before" | "after" }
  | { readonly is: "time"; readonly how: "since" | "before" | "after" | "within" }
  | { readonly is: "happened" | "started" }
  | { readonly is: "group" };

export type SuperlativeField = "time" | "size" | "load" | "uptime";

const PHRASES: readonly (readonly [GrammarWord, string])[] = [
  [
    { is: "filler" },
    "show|list|display|give|me|us|find|get|fetch|search|search for|look up|please|kindly|could|would|can|will|you|i|we|want|need|would like|to|see|know|tell|about which|the|a|an|all|any|every|everything|my|our|your|their|its|which|what|whats|what's|who|that|those|these|this|there|here|it|they|them|currently|now|right now|at the moment|still|just|only|ones|thanks|thank you|hi|hello|hey|s|also|actually|really|exactly which|information|info|details|data|overview|ok|so|then|do|does|did|have|has|had|let|lets|let's|configured|whose|exist|exists|existing|i'd|id like|out|up and|things|stuff|items|resources|give me|where|anything|something",
  ],
  [
    { is: "compare", how: "above" },
    "hotter than|warmer than|more than|greater than|over|above|exceeding|exceeds|exceed|bigger than|larger than|higher than|longer than|>|more",
  ],
  [
    { is: "compare", how: "min" },
    "at least|a minimum of|minimum of|no less than|with no less than|with not less than|no fewer than|not less than|>=|≥|not under|not below",
  ],
  [{ is: "compare", how: "below" }, "less than|fewer than|under|below|smaller than|lower than|shorter than|cooler than|colder than|<"],
  [
    { is: "compare", how: "max" },
    "at most|a maximum of|maximum of|no more than|with no more than|with not more than|not more than|up to|<=|≤|not over|not above",
  ],
  [{ is: "compare", how: "equal" }, "exactly|equal to|equals|=|=="],
  [{ is: "compare", how: "about" }, "about|around|approximately|roughly|approx|circa|~|nearly|almost"],
  [{ is: "compareAfter", how: "min" }, "or more|or above|or higher|or greater|or over|and up|and more|and above|upwards|+"],
  [{ is: "compareAfter", how: "max" }, "or less|or fewer|or below|or lower|or under|and below|and less"],
  [{ is: "between" }, "between"],
  [{ is: "and" }, "and|&|&&|plus|as well as|but|and also"],
  [{ is: "or" }, "or|either|or either|and/or"],
  [{ is: "comma" }, ",|;"],
  [{ is: "open" }, "("],
  [{ is: "close" }, ")"],
  [{ is: "not" }, "not|isn't|aren't|isnt|arent|is not|are not|don't|doesn't|dont|doesnt|non|never|that aren't|that isn't|which aren't|no longer|!="],
  [{ is: "except" }, "except|except for|excluding|exclude|but not|other than|apart from|besides|ignoring|leaving out|minus"],
  [{ is: "with" }, "with|having|that have|that has|which have|which has|has|have"],
  [
    { is: "without" },
    "without|without any|with no|without a|having no|that have no|which have no|that don't have|that do not have|no|lacking|missing",
  ],
  [
    { is: "place" },
    "on|in|at|inside|within|from|under|located on|located in|hosted on|hosted in|that run on|belonging to|on the|in the|attached to|of",
  ],
  [{ is: "of" }, "of|for|of the|for the|of all|for all|of each|of my|in use by|used by"],
  [{ is: "by" }, "by|per|for each|in each|on each|for every"],
  [{ is: "be" }, "is|are|was|were|be|been|being|am|:|set to"],
  [{ is: "using" }, "using|use|uses|consuming|that use|utilising|utilizing|taking|that are using|which are using|eating"],
  [{ is: "free" }, "free|left|available|remaining|unused|spare"],
  [{ is: "used" }, "used|in use|usage|utilisation|utilization|full|consumed|occupied"],
  [{ is: "upFor" }, "up for|running for|up since|alive for|been up for|been running for"],
  [{ is: "old" }, "old|of age"],
  [{ is: "ago" }, "ago"],
  [{ is: "named", how: "equal" }, "called|named|with the name|with name|by the name of|name is|whose name is|known as"],
  [
    { is: "named", how: "prefix" },
    "starting with|starts with|start with|that start with|beginning with|begins with|begin with|prefixed with|prefixed|named like|whose name starts with|whose name begins with|with a name starting with|names starting with|with names starting with",
  ],
  [{ is: "named", how: "suffix" }, "ending with|ending in|ends with|ends in|end with|end in|whose name ends with|with names ending in"],
  [
    { is: "named", how: "contains" },
    "containing|contains|contain|matching|matches|match|like|with names like|whose name contains|whose name includes|with names containing|including",
  ],
  [{ is: "limit", from: "top" }, "top|the top"],
  [{ is: "limit", from: "bottom" }, "bottom"],
  [{ is: "limit", from: "first" }, "first|the first|only the first|up to the first|limit|limit to|limited to|at most the first|max results"],
  [
    { is: "sort" },
    "sorted by|sort by|sort them by|ordered by|order by|ranked by|rank by|sorted on|sorted|sort|in order of|ordered|arranged by|by order of",
  ],
  [
    { is: "direction", direction: "asc" },
    "ascending|asc|increasing|lowest first|smallest first|oldest first|alphabetically|a to z|from low to high|least first",
  ],
  [
    { is: "direction", direction: "desc" },
    "descending|desc|decreasing|highest first|largest first|biggest first|newest first|most first|reverse|reversed|in reverse|from high to low|z to a",
  ],
  [{ is: "superlative", by: "time", direction: "asc" }, "oldest|earliest"],
  [{ is: "superlative", by: "time", direction: "desc" }, "newest|latest|most recent|most recently created|youngest|last created"],
  [{ is: "superlative", by: "size", direction: "desc" }, "biggest|largest"],
  [{ is: "superlative", by: "size", direction: "asc" }, "smallest|tiniest"],
  [{ is: "superlative", by: "load", direction: "desc" }, "busiest|most loaded|hottest"],
  [{ is: "superlative", by: "load", direction: "asc" }, "idlest|least busy|least loaded|laziest"],
  [{ is: "superlative", by: "uptime", direction: "desc" }, "longest running|longest-running"],
  [
    { is: "extreme", direction: "desc" },
    "most|highest|the most|with the most|with most|using the most|greatest|with the highest|with the largest|with the biggest",
  ],
  [
    { is: "extreme", direction: "asc" },
    "least|fewest|lowest|the least|with the least|with the fewest|using the least|with the lowest|with the smallest",
  ],
  [{ is: "aggregate", op: "count" }, "how many|number of|the number of|count|count of|count the|total number of|what number of|amount of|tally"],
  [{ is: "aggregate", op: "sum" }, "total|sum of|sum|the total|combined|summed|altogether|overall"],
  [{ is: "aggregate", op: "avg" }, "average|avg|mean|the average|on average"],
  [{ is: "aggregate", op: "max" }, "maximum|max"],
  [{ is: "aggregate", op: "min" }, "minimum|min"],
  [{ is: "howMuch" }, "how much"],
  [{ is: "age", direction: "before" }, "older than"],
  [{ is: "age", direction: "after" }, "newer than|younger than|more recent than"],
  [{ is: "time", how: "since" }, "since|from|starting|ever since"],
  [{ is: "time", how: "before" }, "before|until|till|prior to|earlier than"],
  [{ is: "time", how: "after" }, "after|later than|past"],
  [{ is: "time", how: "within" }, "in|on|during|within|in the|within the|during the|over the|at"],
  [{ is: "happened" }, "created|made|built|added|launched|born|set up|deployed|provisioned|installed|that were created|were created|was created"],
  [{ is: "started" }, "started|restarted|booted|rebooted|last started|last booted"],
  [{ is: "group" }, "grouped by|group by|broken down by|split by|grouped|by each"],
];

/** Every meaning of a grammar word or phrase, in lower case. */
export const GRAMMAR: ReadonlyMap<string, readonly GrammarWord[]> = (() => {
  const map = new Map<string, GrammarWord[]>();
  for (const [meaning, text] of PHRASES) {
    for (const phrase of text.split("|")) map.set(phrase, [...(map.get(phrase) ?? []), meaning]);
  }
  return map;
})();

/** Words that say that a flag is not set, where "un" before it does not. */
export const OPPOSITES: Readonly<Record<string, string>> = { disabled: "enabled", inactive: "active", private: "public", privileged: "unprivileged" };
