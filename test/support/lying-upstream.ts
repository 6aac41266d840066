// An upstream that hands on everything to a simulator, and may answer something else than what the simulator said.
import { startRawUpstream } from './raw-upstream.ts'

/** What to answer instead of this JSON, at once or later; the same object when it is true. */
export type Lie = (asked: { readonly method: string; readonly path: string }, answer: JsonAnswer) => unknown
export type JsonAnswer = { readonly [key: string]: unknown }

/** Starts one in front of `url()`, which is asked at each request: the simulator may start later. */
export async function startLyingUpstream(url: () => string, lie: () => Lie) {
  return startRawUpstream((request, response, body) => {
    const { method = 'GET', url: path = '/' } = request
    const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
      typeof value !== 'string' || /^(host|connection|content-length|transfer-encoding)$/.test(name)
        ? []
        : [[name, value]],
    )
    void fetch(url() + path, {
      method,
      headers,
      ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
    })
      .then(async (answer) => {
        const text = await answer.text()
        const said: unknown = text === '' ? null : JSON.parse(text)
        const told = isJsonAnswer(said) && answer.ok ? await lie()({ method, path }, said) : said
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(told))
      })
      .catch(() => response.destroy())
  })
}

const isJsonAnswer = (value: unknown): value is JsonAnswer => typeof value === 'object' && value !== null
