// nginx, run by hand in a folder of its own: as the arm to compare with, and as a fast upstream for short answers.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { descriptorsFor } from '../machine/descriptors.ts'
import { freePort } from '../machine/ports.ts'
import { type Program, startProgram } from '../machine/programs.ts'

export type Nginx = { readonly url: string; readonly program: Program }

export type NginxOptions = {
  readonly folder: string
  readonly core: number
  /** Files and sockets it may open; unset: enough for short calls. */
  readonly descriptors?: number
}

const enoughDescriptors = 8_192

/** An nginx that passes everything on to `upstreamUrl`, unbuffered, over kept-alive connections. */
export async function startNginxProxy(
  options: NginxOptions & { readonly upstreamUrl: string },
): Promise<Nginx> {
  const { host } = new URL(options.upstreamUrl)
  return startNginx(
    'nginx',
    options,
    (port) => `
    upstream measured { server ${host}; keepalive 1024; }
    server {
      listen 127.0.0.1:${port} backlog=4096;
      location / {
        proxy_pass http://measured;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
        proxy_read_timeout 3600s;
      }
    }`,
  )
}

/** An nginx that answers a path with a fixed JSON text, whatever the method; '/' is for all other paths. */
export async function startNginxUpstream(
  options: NginxOptions & { readonly answers: { readonly [path: string]: string } },
): Promise<Nginx> {
  const locations = Object.entries(options.answers).map(([path, json]) => {
    if (json.includes("'") || json.includes('$')) throw new Error(`nginx cannot quote the answer of ${path}`)
    return `location ${path === '/' ? '/' : `= ${path}`} { default_type application/json; return 200 '${json}'; }`
  })
  return startNginx(
    'upstream',
    options,
    (port) => `
    server {
      listen 127.0.0.1:${port} backlog=4096;
      ${locations.join('\n      ')}
    }`,
  )
}

async function startNginx(
  name: string,
  { folder, core, descriptors = descriptorsFor(enoughDescriptors) }: NginxOptions,
  servers: (port: number) => string,
): Promise<Nginx> {
  const port = await freePort()
  const own = join(folder, `nginx-${name}`)
  mkdirSync(own, { recursive: true })
  const path = join(own, 'nginx.conf')
  writeFileSync(path, configuration(servers(port), descriptors))
  // One process that is master and worker in one: whoever ends it has ended it all.
  const command = ['nginx', '-p', own, '-e', 'stderr', '-c', path] as const
  const program = startProgram({ name, core, descriptors, command })
  const url = `http://127.0.0.1:${port}`
  await untilAnswered(url, program)
  return { url, program }
}

function configuration(servers: string, descriptors: number): string {
  return `
  daemon off;
  master_process off;
  pid nginx.pid;
  error_log stderr error;
  # When nine tenths are taken it closes connections that have not asked yet: more than there can ever be.
  events { worker_connections ${Math.ceil(descriptors * 1.2)}; }
  http {
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    # Else a body of 50 KB would take the way over a file.
    client_body_buffer_size 128k;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    ${servers}
  }`
}

/** Any HTTP answer will do: behind a proxy the upstream may not know the path. */
async function untilAnswered(url: string, program: Program): Promise<void> {
  let isOver = false
  const over = program.ended().finally(() => {
    isOver = true
  })
  over.catch(() => {})
  for (let tries = 0; tries < 100 && !isOver; tries++) {
    const answered = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      () => true,
      () => false,
    )
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await program.stop()
  throw new Error(`${program.name} does not answer at ${url}`, {
    cause: await over.catch((why: unknown) => why),
  })
}
