// The command line of `npm run bench -- ...`: strict, and with a help that says what a run does.
import { parseArgs } from 'node:util'
import { type ArmName, armNames } from '../arms/arm.ts'

import { type PartName, partNames, parts } from './parts.ts'
export type Options = {
  readonly quick: boolean
  /** Empty: all. */
  readonly only: ReadonlySet<PartName>
  readonly without: ReadonlySet<ArmName>
  /** Where the results go; undefined for `bench/results/`. */
  readonly out: string | undefined
}

/** The options, or what to say instead of running. */
export type Reading = { readonly options: Options } | { readonly help: string } | { readonly problem: string }

export function readOptions(args: readonly string[]): Reading {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h' },
        quick: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        without: { type: 'string', multiple: true },
        out: { type: 'string' },
      },
    })
    if (values.help === true) return { help }
    return {
      options: {
        quick: values.quick ?? false,
        only: readNames('--only', values.only ?? [], partNames),
        without: readNames('--without', values.without ?? [], armNames),
        out: values.out,
      },
    }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

function readNames<Name extends string>(
  option: string,
  given: readonly string[],
  known: readonly Name[],
): ReadonlySet<Name> {
  const names = given.flatMap((text) => text.split(',')).map((text) => text.trim())
  return new Set(
    names.map((text) => {
      const found = known.find((name) => name === text)
      if (found === undefined) throw new Error(`${option}: \`${text}\` is not one of ${known.join(', ')}`)
      return found
    }),
  )
}

const partLines = Object.entries(parts).map(([name, text]) => `    ${name.padEnd(9)} ${text}`)

const help = `Usage: npm run bench -- [options]

What the gateway costs on this machine, beside no proxy, nginx, a bare @fastify/http-proxy and Portkey's gateway, all
asked in turn within one run: medians over the rounds, the best round in brackets, ratios to the others of the same
round. Needs Linux with two cores, nginx and wrk; Portkey's gateway is installed into bench/portkey/ when it is not
there, and left out when that cannot be done.

  --only PART,...     only these parts:
${partLines.join('\n')}
  --without ARM,...   leave these out: ${armNames.join(', ')}
  --quick             one short round of each, to see whether something broke; its figures are rough
  --out DIR           where latest.json and latest.md go. Without it a whole run writes them to bench/results/, and one
                      with --quick, --only or --without writes partial.json and partial.md there, which git ignores
  -h, --help          this

Ends with 0 when the gateway was measured, whatever the verdicts; 1 when it failed at something; 2 when it cannot run.
`
