// The two programs that npm does not bring.
import { spawnSync } from 'node:child_process'

/** Debian packages to install, by the names of their programs. */
export function missingTools(): readonly string[] {
  return ['nginx', 'wrk'].filter((name) => spawnSync(name, ['-v'], { stdio: 'ignore' }).error !== undefined)
}

export function nginxVersion(): string {
  return spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr.trim().replace('nginx version: ', '')
}
