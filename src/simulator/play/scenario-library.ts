// The scenarios that come with the simulator: the files of `scenarios/`. Choose one for the whole simulator with
// the option `scenario`, or for one session with the metadata key `simulator_scenario`.

import { readdirSync, readFileSync } from 'node:fs'
import type { Scenario } from './scenario.ts'
import { readScenario } from './scenario-file.ts'

const folder = new URL('../scenarios/', import.meta.url)

/** Read once in a process: the files do not change while it runs, and tests start many simulators. */
let library: ReadonlyMap<string, Scenario> | undefined

function readLibrary(): ReadonlyMap<string, Scenario> {
  // The one that is played unless somebody chooses comes first in every list of them.
  const files = ['default.yaml', ...readdirSync(folder).filter((file) => file !== 'default.yaml')]
  const scenarios = files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => readScenario(readFileSync(new URL(file, folder), 'utf8'), file))
  return new Map(scenarios.map((scenario) => [scenario.name, scenario]))
}

/** The scenarios of the library, by name. Throws when a file of it cannot be played, with the place of the fault. */
export function loadScenarioLibrary(): ReadonlyMap<string, Scenario> {
  library ??= readLibrary()
  return library
}
