// Names are chosen by callers: control and bidi characters must not drive the terminal of who reads them.

/** The text with a mark in place of each such character. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
