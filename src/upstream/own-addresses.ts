// Answers hold addresses of the upstream that clients follow by themselves: the results of a batch, the base URL inside a
// work item's secret. Here they become ours, by the bytes of that one value.
import { elementSpans } from './element-spans.ts'
import { memberSpans, type Span } from './member-spans.ts'

/** How the text of one value is changed; the same text when there is nothing to change. */
type ValueEdit = (written: string, redirect: Redirect) => string
type Redirect = (address: string) => string

/** An operation whose answer holds such an address: in itself, or in each element of `data`. */
type Holder = { readonly member: string; readonly isPage: boolean; readonly edit: ValueEdit }

const batch: Holder = { member: 'results_url', isPage: false, edit: editAddress }
const work: Holder = { member: 'secret', isPage: false, edit: editSecret }

const holders: ReadonlyMap<string, Holder> = new Map<string, Holder>([
  ['messages.batches.create', batch],
  ['messages.batches.retrieve', batch],
  ['messages.batches.cancel', batch],
  ['messages.batches.list', { ...batch, isPage: true }],
  ['environments.work.poll', work],
  ['environments.work.ack', work],
  ['environments.work.stop', work],
  ['environments.work.retrieve', work],
  ['environments.work.update', work],
  ['environments.work.list', { ...work, isPage: true }],
])

/** Whether answers of this operation may hold an address of the upstream. */
export const holdsAddress = (operationId: string): boolean => holders.has(operationId)

/**
 * The answer with every address at one of `origins` at `publicOrigin` instead; the very same buffer when there is none.
 * What is not JSON stays as it is: nobody can follow an address in it.
 */
export function redirectAddresses(
  operationId: string,
  body: Buffer,
  origins: ReadonlySet<string>,
  publicOrigin: string,
): Buffer {
  const holder = holders.get(operationId)
  if (holder === undefined) return body
  // latin1 keeps every byte; what is looked for is ASCII.
  const text = body.toString('latin1')
  if (!isJson(text)) return body
  const redirect: Redirect = (address) => {
    const [authority] = /^https?:\/\/[^/?#]*/i.exec(address) ?? []
    if (authority === undefined || !URL.canParse(authority)) return address
    return origins.has(new URL(authority).origin) ? publicOrigin + address.slice(authority.length) : address
  }
  const edited = holder.isPage
    ? editElements(text, (element) => editMember(element, holder, redirect))
    : editMember(text, holder, redirect)
  return edited === text ? body : Buffer.from(edited, 'latin1')
}

function editElements(text: string, edit: (element: string) => string): string {
  const data = memberSpans(text).get('data')
  if (data === undefined || text[data.start] !== '[') return text
  // From the last one back, so that the spans before it stay true.
  return elementSpans(text, data).reduceRight(
    (changed, { start, end }) => changed.slice(0, start) + edit(text.slice(start, end)) + changed.slice(end),
    text,
  )
}

function editMember(text: string, { member, edit }: Holder, redirect: Redirect): string {
  const span: Span | undefined = memberSpans(text).get(member)
  if (span === undefined) return text
  return text.slice(0, span.start) + edit(text.slice(span.start, span.end), redirect) + text.slice(span.end)
}

function editAddress(written: string, redirect: Redirect): string {
  const value: unknown = JSON.parse(written)
  if (typeof value !== 'string') return written
  const changed = redirect(value)
  return changed === value ? written : JSON.stringify(changed)
}

/** A secret is base64 over JSON, with either alphabet and with or without padding (SDK 1.12.0 lib/environments/worker). */
function editSecret(written: string, redirect: Redirect): string {
  const value: unknown = JSON.parse(written)
  if (typeof value !== 'string') return written
  const inner = Buffer.from(value, 'base64').toString('latin1')
  if (!isJson(inner)) return written
  const changed = editMember(inner, { member: 'api_base_url', isPage: false, edit: editAddress }, redirect)
  if (changed === inner) return written
  const bytes = Buffer.from(changed, 'latin1')
  const plain = bytes.toString(/[+/]/.test(value) ? 'base64' : 'base64url').replaceAll('=', '')
  return JSON.stringify(value.endsWith('=') ? plain.padEnd(Math.ceil(plain.length / 4) * 4, '=') : plain)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
