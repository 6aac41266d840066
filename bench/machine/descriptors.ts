// How many files and sockets one process may hold open here: what limits the number of streams that can be measured.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

// What a program holds besides its streams: listeners, kept-alive connections, logs, a database.
const spare = 300

/** The most descriptors our programs can be given: `wanted` where we may raise the limit, else the limit itself. */
export function descriptorsFor(wanted: number): number {
  const limit = hardLimit()
  if (limit >= wanted) return wanted
  const raised = spawnSync('prlimit', [`--nofile=${wanted}:${wanted}`, 'true'], { stdio: 'ignore' })
  return raised.status === 0 ? wanted : limit
}

/** Descriptors that a proxy of `streams` streams needs: each has two ends. */
export function descriptorsOf(streams: number): number {
  return streams * 2 + spare
}

/** The most streams, in whole hundreds, that a proxy with so many descriptors can hold. */
export function streamsWithin(descriptors: number): number {
  return Math.floor((descriptors - spare) / 2 / 100) * 100
}

function hardLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  const [, hard = ''] = /^Max open files\s+\S+\s+(\S+)/m.exec(limits) ?? []
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)
}
