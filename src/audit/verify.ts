// Verifies audit logs offline, from the lines of a bundle: signatures, order, chain, tree, and what was anchored elsewhere.
// Needs nothing but the lines, the keys that are believed, and room for one line.
import { readBundleLine } from './bundle.ts'
import { originOf, readCheckpoint } from './checkpoint.ts'
import { type NoteKey, readNote, readNoteKey, verifyNote } from './signed-note.ts'
import { createLogCheck, type Finding, type LogCheck, type LogProgress } from './verify-log.ts'

export type { Finding }

export type VerifyOptions = {
  /** Public keys, learnt elsewhere than from the bundle; without any for a log, those that it names are taken. */
  readonly keys: readonly string[]
  /** Checkpoints that were kept elsewhere, as whole notes. */
  readonly anchors: readonly string[]
  /** The lines come from a running ledger: entries that no checkpoint has yet are no fault. */
  readonly isLive: boolean
  /** What the bundle is asked to cover. */
  readonly fromMs?: number
  readonly toMs?: number
}

export type VerifiedLog = LogProgress & {
  readonly gateway: string
  /** `bundle`: the keys are those that the bundle itself names, so it proves no more than that it is one piece. */
  readonly keysFrom: 'elsewhere' | 'bundle'
}

export type Verification = {
  readonly verdict: 'sound' | 'tampered' | 'incomplete'
  /** In the order in which they were met, at most `findingsMax`. */
  readonly findings: readonly Finding[]
  readonly logs: readonly VerifiedLog[]
}

const findingsMax = 100
/** A batch of the drain and a checkpoint's worth; more without a checkpoint means that some are gone. */
const unsignedMax = 4_096

type Open = {
  readonly gateway: string
  readonly check: LogCheck
  readonly keysFrom: VerifiedLog['keysFrom']
  readonly anchors: ReadonlyMap<number, string>
}

/** Reads all lines and tells what is wrong. Rejects with what reading them throws, and with nothing else. */
export async function verifyBundle(
  lines: AsyncIterable<string>,
  options: VerifyOptions,
): Promise<Verification> {
  const findings: Finding[] = []
  const seen = new Set<Finding['verdict']>()
  const report = (finding: Finding): void => {
    seen.add(finding.verdict)
    if (findings.length < findingsMax) findings.push(finding)
  }
  const of = (gateway: string, verdict: Finding['verdict'], message: string): void =>
    report({ verdict, gateway, seq: null, checkpoint: null, message })
  const logs: VerifiedLog[] = []
  let open: Open | null = null
  let hasEnd = false
  let lineNumber = 0
  const close = (isEnded: boolean): void => {
    if (open === null) return
    const { gateway, keysFrom, check, anchors } = open
    const log = { gateway, keysFrom, ...check.end() }
    checkEnd(log, anchors, { ...options, isEnded }, report)
    logs.push(log)
    open = null
  }

  for await (const text of lines) {
    lineNumber += 1
    if (text === '') continue
    const line = readBundleLine(text)
    const where: string = open?.gateway ?? ''
    if (line === null) of(where, 'tampered', `line ${lineNumber} cannot be read`)
    else if (hasEnd) of(where, 'tampered', `line ${lineNumber} stands behind the end`)
    else if (line.kind === 'log') {
      close(true)
      open = openLog(line, options, report)
    } else if (line.kind === 'end') hasEnd = true
    else if (open === null) of('', 'tampered', `line ${lineNumber} belongs to no log`)
    else if (line.kind === 'entry') open.check.entry(line)
    else open.check.checkpoint(line)
  }
  close(hasEnd)
  if (!hasEnd) of(logs.at(-1)?.gateway ?? '', 'incomplete', `the bundle was cut off after line ${lineNumber}`)
  if (logs.length === 0) of('', 'incomplete', 'there is no audit log in it')
  return {
    verdict: seen.has('tampered') ? 'tampered' : seen.has('incomplete') ? 'incomplete' : 'sound',
    findings,
    logs,
  }
}

/** The keys of one log among public keys as people write them. */
export function keysOf(gateway: string, lines: readonly string[]): readonly NoteKey[] {
  const keys = lines.map(readNoteKey).filter((key) => key !== null)
  return keys.filter(({ name }) => name === originOf(gateway))
}

function openLog(
  { gateway, keys: named }: { readonly gateway: string; readonly keys: readonly string[] },
  options: VerifyOptions,
  report: (finding: Finding) => void,
): Open {
  const told = keysOf(gateway, options.keys)
  const keysFrom = told.length > 0 ? 'elsewhere' : 'bundle'
  const keys = told.length > 0 ? told : keysOf(gateway, named)
  const anchors = new Map<number, string>()
  for (const text of options.anchors) {
    const note = readNote(text)
    const head = note === null ? null : readCheckpoint(note.text)
    if (note === null || head?.origin !== originOf(gateway)) continue
    const known = anchors.get(head.number)
    const fault =
      verifyNote(note, [...keys, ...keysOf(gateway, named)]).length === 0
        ? 'has no valid signature'
        : known !== undefined && known !== text
          ? 'is there in two versions'
          : null
    if (fault === null) anchors.set(head.number, text)
    else {
      const message = `the anchored checkpoint ${head.number} ${fault}`
      report({ verdict: 'tampered', gateway, seq: null, checkpoint: head.number, message })
    }
  }
  return { gateway, keysFrom, anchors, check: createLogCheck({ gateway, keys, anchored: anchors, report }) }
}

/** What only the end shows: that it comes too early, or that something stands behind it. */
function checkEnd(
  log: VerifiedLog,
  anchors: ReadonlyMap<number, string>,
  { isLive, isEnded, fromMs, toMs }: VerifyOptions & { readonly isEnded: boolean },
  report: (finding: Finding) => void,
): void {
  const { gateway, firstCheckpoint, lastCheckpoint, nextSeq, signedSize } = log
  const find = (verdict: Finding['verdict'], seq: number | null, message: string): void =>
    report({ verdict, gateway, seq, checkpoint: lastCheckpoint?.number ?? null, message })
  const last = lastCheckpoint?.number ?? -1
  for (const [number, note] of anchors) {
    const head = readCheckpoint(readNote(note)?.text ?? '')
    if (number <= last || head === null || (toMs !== undefined && head.timeMs > toMs)) continue
    const lost = head.size > nextSeq ? `, and entries ${nextSeq} to ${head.size - 1} with them` : ''
    find(
      'incomplete',
      nextSeq,
      `checkpoints ${last + 1} to ${number}, which were anchored, are missing${lost}`,
    )
    break
  }
  const unsigned = nextSeq - signedSize
  if (unsigned > 0 && !isLive && isEnded) {
    find(
      'tampered',
      signedSize,
      `entry ${signedSize} stands behind the last checkpoint: nothing was signed for it`,
    )
  } else if (unsigned > unsignedMax) {
    find(
      'incomplete',
      signedSize,
      `${unsigned} entries have no checkpoint: those from ${last + 1} on are missing`,
    )
  }
  const at = (ms: number): string => new Date(ms).toISOString()
  if (isLive && fromMs === undefined && firstCheckpoint !== null && firstCheckpoint.number > 0) {
    find(
      'incomplete',
      0,
      `the log begins with checkpoint ${firstCheckpoint.number}: what was before is missing`,
    )
  }
  if (isLive || lastCheckpoint === null || firstCheckpoint === null) return
  if (toMs !== undefined && lastCheckpoint.timeMs < toMs) {
    find(
      'incomplete',
      nextSeq,
      `the log ends at ${at(lastCheckpoint.timeMs)}, before the time that was asked for`,
    )
  }
  if (fromMs !== undefined && firstCheckpoint.number > 0 && firstCheckpoint.timeMs > fromMs) {
    find(
      'incomplete',
      log.firstSeq,
      `the log begins at ${at(firstCheckpoint.timeMs)}, after the time that was asked for`,
    )
  }
}
