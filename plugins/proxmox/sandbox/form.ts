/** The fields of an upload. Of the file only its name and its length are kept. */
export function formOf(type: string, body: Uint8Array): Record<string, unknown> {
  const boundary = /boundary=([^;]+)/.exec(type)?.[1] ?? "";
  const text = Buffer.from(body).toString("latin1");
  const fields: Record<string, unknown> = {};
  for (const part of text.split(`--${boundary}`)) {
    const [head = "", ...rest] = part.split("\r\n\r\n");
    const name = /name="([^"]+)"/.exec(head)?.[1];
    if (name === undefined) continue;
    const value = rest.join("\r\n\r\n").replace(/\r\n$/, "");
    const filename = /filename="([^"]+)"/.exec(head)?.[1];
    if (filename === undefined) fields[name] = value;
    else Object.assign(fields, { filename, "sandbox-size": value.length });
  }
  return fields;
}
