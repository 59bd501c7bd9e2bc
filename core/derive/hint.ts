import type { Where } from "../declare/action.js";
import type { Field } from "./fields.js";
import { asList, isRecord } from "./filter.js";

/**
 * A checked filter as plugins are given it: for each field its condition in one form, whatever the caller wrote. Text as text, an enum and
 * a list as a list of which any will do, a number as `{ min, max }`, a time as `{ after, before }`. What has no such form is left out, and
 * so is everything below `and`, `or` and `not`: a plugin that pushes all of a hint down gets too many rows, never too few.
 */
export function hintOf(fields: readonly Field[], where: Where): Where {
  const hint: Record<string, unknown> = {};
  for (const { name, type } of fields) {
    if (!Object.hasOwn(where, name)) continue;
    const form = formOf(type, where[name]);
    if (form !== undefined) hint[name] = form;
  }
  return hint;
}

function formOf(type: Field["type"], condition: unknown): unknown {
  const list = asList(condition);
  switch (type) {
    case "number": {
      if (!isRecord(condition)) return { min: condition, max: condition };
      if ("of" in condition || "minus" in condition) return undefined;
      // Both ends included is the wider reading.
      const { min = condition["above"], max = condition["below"] } = condition;
      return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
    }
    case "enum":
    case "list":
      return isRecord(condition) ? undefined : list;
    case "text":
      return list.length === 1 && !isRecord(list[0]) ? list[0] : undefined;
    default:
      return isRecord(condition) && "empty" in condition ? undefined : condition;
  }
}
