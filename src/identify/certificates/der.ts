// The extensions of a certificate, read from its own bytes: Node shows names as one text made for people, and shows no
// key usage at all. DER as X.509 uses it; anything else is no certificate to us.

type Element = { readonly tag: number; readonly content: Uint8Array }

/** A bound of our own: a certificate has a dozen. */
const elementsMax = 256

/** The elements that fill the bytes exactly; null when they do not. */
export function readElements(bytes: Uint8Array): readonly Element[] | null {
  const found: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const head = readHead(bytes, at)
    if (head === null || found.length === elementsMax) return null
    found.push({ tag: head.tag, content: bytes.subarray(head.start, head.end) })
    at = head.end
  }
  return found
}

function readHead(bytes: Uint8Array, at: number) {
  const tag = bytes[at] ?? 0
  const first = bytes[at + 1] ?? 0x80
  // Tags of several bytes and lengths without an end do not occur in a certificate.
  if ((tag & 0x1f) === 0x1f || first === 0x80) return null
  const sizeBytes = first < 0x80 ? 0 : first & 0x7f
  if (sizeBytes > 3) return null
  let length = first < 0x80 ? first : 0
  for (let of = 0; of < sizeBytes; of += 1) length = length * 256 + (bytes[at + 2 + of] ?? 0)
  const start = at + 2 + sizeBytes
  return start + length > bytes.length ? null : { tag, start, end: start + length }
}

const sequence = 0x30
const objectId = 0x06
const octets = 0x04
const extensionsTag = 0xa3

/**
 * The values of a certificate's extensions by the hex of their object id; none when it has none. Null when the bytes
 * cannot be read or an extension stands there twice: whichever we took, somebody else might take the other.
 */
export function readExtensions(certificate: Uint8Array): ReadonlyMap<string, Uint8Array> | null {
  const [whole, ...rest] = readElements(certificate) ?? []
  if (whole?.tag !== sequence || rest.length > 0) return null
  const [signed] = readElements(whole.content) ?? []
  const fields = signed?.tag === sequence ? readElements(signed.content) : null
  if (fields === null) return null
  const field = fields.find(({ tag }) => tag === extensionsTag)
  const values = new Map<string, Uint8Array>()
  if (field === undefined) return values
  const [list, ...more] = readElements(field.content) ?? []
  const extensions = list?.tag === sequence && more.length === 0 ? readElements(list.content) : null
  for (const { tag, content } of extensions ?? []) {
    const parts = tag === sequence ? readElements(content) : null
    const id = parts?.[0]
    const value = parts?.at(-1)
    if (id?.tag !== objectId || value?.tag !== octets) return null
    const name = Buffer.from(id.content).toString('hex')
    if (values.has(name)) return null
    values.set(name, value.content)
  }
  return extensions === null ? null : values
}
