// Money as bigint pico-dollars (1e-12 USD): the scale of the ledger's Decimal(38,12), so nothing is ever a float.

const scaleDigits = 12
const picoPerUsd = 10n ** BigInt(scaleDigits)
const usdPattern = /^(-?)(\d+)(?:\.(\d+))?$/

/**
 * Reads an exact decimal amount of US dollars, e.g. `0.125`, as pico-dollars.
 * Throws when the text is not a plain decimal or is finer than a pico-dollar.
 */
export function parseUsd(text: string): bigint {
  const [, sign, whole, rawFraction = ''] = usdPattern.exec(text) ?? []
  const fraction = rawFraction.replace(/0+$/, '')
  if (whole === undefined || fraction.length > scaleDigits) {
    throw new Error(
      `\`${text}\` is not an amount; write a decimal with at most ${scaleDigits} fraction digits`,
    )
  }
  const pico = BigInt(whole) * picoPerUsd + BigInt(fraction.padEnd(scaleDigits, '0'))
  return sign === '-' ? -pico : pico
}

/** Writes pico-dollars as an exact decimal with 2 to 12 fraction digits. `parseUsd` reads it back unchanged. */
export function formatUsd(pico: bigint): string {
  const size = pico < 0n ? -pico : pico
  const fraction = (size % picoPerUsd).toString().padStart(scaleDigits, '0').replace(/0+$/, '').padEnd(2, '0')
  return `${pico < 0n ? '-' : ''}${size / picoPerUsd}.${fraction}`
}

/** `numerator / denominator`, rounded half to even. Throws unless the denominator is positive. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  if (denominator <= 0n) throw new Error(`cannot divide by \`${denominator}\``)
  const { floor, remainder } = divideFloor(numerator, denominator)
  const twice = remainder * 2n
  const roundsUp = twice > denominator || (twice === denominator && floor % 2n !== 0n)
  return roundsUp ? floor + 1n : floor
}

/**
 * Divides every numerator by the denominator so that the parts add up exactly to the once-rounded whole:
 * each is rounded down, and what is left goes one by one to the largest remainders (earlier ones first on a tie).
 */
export function allocate(numerators: readonly bigint[], denominator: bigint): readonly bigint[] {
  const parts = numerators.map((numerator) => divideFloor(numerator, denominator))
  const whole = divideHalfEven(
    numerators.reduce((sum, numerator) => sum + numerator, 0n),
    denominator,
  )
  let left = whole - parts.reduce((sum, part) => sum + part.floor, 0n)
  const winners = new Set<number>()
  const byRemainder = parts
    .map((part, index) => ({ index, remainder: part.remainder }))
    .toSorted((a, b) =>
      a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
    )
  for (const { index } of byRemainder) {
    if (left === 0n) break
    winners.add(index)
    left -= 1n
  }
  return parts.map((part, index) => (winners.has(index) ? part.floor + 1n : part.floor))
}

function divideFloor(numerator: bigint, denominator: bigint) {
  const remainder = ((numerator % denominator) + denominator) % denominator
  return { floor: (numerator - remainder) / denominator, remainder }
}
