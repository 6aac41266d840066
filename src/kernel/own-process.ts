// A process of ours beside this one: the same code, in the form that this one runs in.
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Forks a module of ours: `here` is the caller's `import.meta.url`, `module` a relative path without an extension.
 * Built code runs as it is; source, as the tests run it, goes through tsx.
 */
export function forkOwn(
  here: string,
  module: string,
  options: Pick<ForkOptions, 'env' | 'stdio'>,
): ChildProcess {
  const isSource = here.endsWith('.ts')
  return fork(fileURLToPath(new URL(`${module}.${isSource ? 'ts' : 'js'}`, here)), [], {
    ...options,
    execArgv: isSource ? ['--import', import.meta.resolve('tsx')] : [],
  })
}
