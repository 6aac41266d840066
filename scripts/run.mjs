// `npm run simulate | migrate | build | example | bench | soak`: makes the clone runnable, then runs the one that is named.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureBuilt } from './build.mjs'
import { ensureInstalled, root } from './install.mjs'

const [name, ...rest] = process.argv.slice(2)
const commands = ['simulate', 'migrate', 'usage']

await ensureInstalled()
if (commands.includes(name)) {
  await import('../bin/tollgate.mjs')
} else if (name === 'build') {
  await ensureBuilt()
} else if (name === 'example') {
  await runSource('examples', rest[0] ?? 'quickstart', rest.slice(1))
} else if (name === 'bench') {
  // `npm run bench -- --quick` is the benchmark with an option, `npm run bench -- journal` another one.
  const named = rest[0] !== undefined && !rest[0].startsWith('-')
  await runSource('bench', named ? rest[0] : 'bench', named ? rest.slice(1) : rest)
} else if (name === 'soak') {
  await runSource('soak', rest[0] ?? '', rest.slice(1))
} else {
  process.stderr.write(
    `tollgate: \`${name ?? ''}\` is not one of ${[...commands, 'build', 'example', 'bench', 'soak'].join(', ')}\n`,
  )
  process.exitCode = 2
}

/** Runs `<folder>/<file>.ts` in this process, as if it had been started with `args`. */
async function runSource(folder, file, args) {
  const path = join(root, folder, `${file}.ts`)
  if (!/^[a-z0-9-]+$/.test(file) || !existsSync(path)) {
    const known = readdirSync(join(root, folder)).flatMap((entry) =>
      entry.endsWith('.ts') ? [entry.slice(0, -3)] : [],
    )
    process.stderr.write(`tollgate: there is no \`${folder}/${file}.ts\`; there are: ${known.join(', ')}\n`)
    process.exitCode = 2
    return
  }
  const { register } = await import('tsx/esm/api')
  register()
  process.argv = [process.argv[0], path, ...args]
  await import(pathToFileURL(path).href)
}
