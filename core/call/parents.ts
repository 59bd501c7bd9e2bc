import type { Where } from "../declare/action.js";
import type { Kind } from "../declare/kind.js";
import type { Provider } from "../declare/provider.js";
import type { ConnectionEntry } from "../connections.js";
import { deriveFields, type Field } from "../derive/fields.js";
import { matcher } from "../derive/match.js";
import { toProxMcpError } from "../errors.js";
import type { CallContext } from "./context.js";
import type { Invoker, Item, SourceError } from "./invoke.js";

/** The kind whose items a listing has to be asked for one by one, as disks for each node; and the parameter that takes them. */
export interface Parent {
  readonly field: string;
  readonly kind: Kind;
}

/** Where a kind can be listed only within something, what that is. Undefined: it needs nothing, or nobody knows what would be asked. */
export function parentOf(kind: Kind, provider: Provider): Parent | undefined {
  const [field, ...others] = kind.listRequires ?? [];
  if (field === undefined || others.length > 0) return undefined;
  const named = (one: Kind): boolean => one.name === field || (one.says?.includes(field) ?? false);
  const parents = provider.kinds.filter((one) => one.list && !one.listRequires?.length && named(one));
  return parents.length === 1 && parents[0] ? { field, kind: parents[0] } : undefined;
}

/**
 * Lists a kind within every parent there is, or those that the filter leaves: one call for the parents and one for each. The connection
 * bounds how many run at once. A parent that fails is an error beside the rows of the others.
 */
export async function listWithin(
  { kind, fields }: { readonly kind: Kind; readonly fields: readonly Field[] },
  parent: Parent,
  entry: ConnectionEntry,
  { where, hint, needs }: { readonly where: Where; readonly hint: Where; readonly needs: readonly string[] },
  invoker: Invoker,
  context: CallContext,
): Promise<{ items: Item[]; errors: SourceError[] }> {
  const parents = await invoker.list({ kind: parent.kind }, entry, {}, {}, context);
  const condition = where[parent.field];
  const asked = condition === undefined ? () => true : matcher(fieldsFor(parent, fields), { [parent.field]: condition } as Where);
  const names = parents.items.map((item) => String(item[parent.kind.key])).filter((name) => asked({ [parent.field]: name }));
  const listings = await Promise.all(
    names.map(async (name) => {
      try {
        return await invoker.list({ kind }, entry, { [parent.field]: name }, hint, context, needs);
      } catch (error) {
        if (context.signal.aborted) throw error;
        return { items: [], errors: [{ ...toProxMcpError(error).on(entry.name).report(), source: name }] };
      }
    }),
  );
  return { items: listings.flatMap(({ items }) => items), errors: [...parents.errors, ...listings.flatMap(({ errors }) => errors)] };
}

/** The field as the items have it; where they don't say, as the parents have their key. */
const fieldsFor = ({ field, kind }: Parent, fields: readonly Field[]): readonly Field[] =>
  fields.some((one) => one.name === field) ? fields : deriveFields(kind).map((one) => (one.name === kind.key ? { ...one, name: field } : one));
