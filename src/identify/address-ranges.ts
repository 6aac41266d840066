// Address ranges a key is bound to. Node's own BlockList does the arithmetic; an IPv4 address that arrives in its IPv6
// form (`::ffff:10.0.0.1`, on a listener of both families) is the IPv4 address.
import { BlockList, isIP } from 'node:net'

/** `10.0.0.0/8`, `2001:db8::/32`; a bare address is a range of one. */
export function isRange(text: string): boolean {
  return readRange(text) !== null
}

/** Whether an address lies in one of the ranges. Without ranges every address does; what is no address never does. */
export function createAddressCheck(ranges: readonly string[]): (ip: string) => boolean {
  if (ranges.length === 0) return () => true
  const list = new BlockList()
  for (const text of ranges) {
    const range = readRange(text)
    if (range !== null) list.addSubnet(range.address, range.bits, range.family)
  }
  return (ip) => {
    const plain = ip.replace(/^::ffff:(?=\d+\.)/i, '')
    const version = isIP(plain)
    return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6')
  }
}

type Range = { readonly address: string; readonly bits: number; readonly family: 'ipv4' | 'ipv6' }

function readRange(text: string): Range | null {
  const [address = '', bits, ...more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || more.length > 0 || address.includes('%')) return null
  const bitsMax = version === 4 ? 32 : 128
  if (bits !== undefined && !/^\d{1,3}$/.test(bits)) return null
  const length = bits === undefined ? bitsMax : Number(bits)
  return length > bitsMax ? null : { address, bits: length, family: version === 4 ? 'ipv4' : 'ipv6' }
}
