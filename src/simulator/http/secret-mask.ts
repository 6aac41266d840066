// Takes the secrets of vault credentials out of a recorded body. All else in it stays byte for byte.

/** What SDK 1.12.0 resources/beta/vaults/credentials sends and never gets back; cut off ones count too. */
const secretFields =
  /"(access_token|refresh_token|client_secret|secret_value|token)"(\s*:\s*)"(?:[^"\\]|\\.)*("|\\?$)/gs

/** The body of a request to `path` as it may be shown. */
export const maskSecrets = (path: string, bodyText: string): string =>
  path.startsWith('/v1/vaults/') ? bodyText.replace(secretFields, '"$1"$2"[secret]"') : bodyText
