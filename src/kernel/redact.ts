// The last net under every text that a stranger may have written and that we keep or log: a pasted key does not stay.

// Tollgate's own keys, the provider's in all their forms, and signed tokens, which begin with two encoded objects.
const keys =
  /tg_live_[0-9A-Za-z]{4,}_[0-9A-Za-z]+|sk-ant-[0-9A-Za-z_-]+|eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]*)?/g

/** The text with everything that looks like a key replaced by `[secret]`. */
export function withoutKeys(text: string): string {
  return text.includes('tg_live_') || text.includes('sk-ant-') || text.includes('.eyJ')
    ? text.replace(keys, '[secret]')
    : text
}
