const SECRET_NAME = /pass(word|wd|phrase)?|secret|token|credential|(api|access|private|encryption|signing)_?key|basicauth|(^|_)auth($|_)/i;
const MASK = "[secret]";

/** Whether a variable or a label of this name is likely to hold a secret. */
export const looksSecret = (name: string): boolean => SECRET_NAME.test(name);

/** `NAME=value` with the value masked where its name, or a login within an address, says that it is secret. */
export function maskedVariable(variable: string): string {
  const at = variable.indexOf("=");
  if (at < 0) return variable;
  const name = variable.slice(0, at);
  const value = variable.slice(at + 1);
  if (value !== "" && looksSecret(name)) return `${name}=${MASK}`;
  return `${name}=${maskedText(value)}`;
}

/** A text without the logins in its addresses, `--password=...` and private keys. */
export const maskedText = (text: string): string =>
  text
    .replace(/(:\/\/)[^/@\s]+@/g, `$1${MASK}@`)
    .replace(/(--?[\w-]*(?:pass(?:word|wd)?|secret|token|api-?key)[= ])\S+/gi, `$1${MASK}`)
    .replace(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*/, MASK);
