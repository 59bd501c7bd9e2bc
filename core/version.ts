/** The version of this package. A test holds it to package.json. */
export const VERSION = "0.1.0";
/** The version of the declaration API, `api` in `defineProvider`. It grows when a sound declaration of before would no longer be one. */
export const API = 1;
