// The one network call of identification: a GET of the address that `directory.yaml` names, and of no other.

const timeoutMs = 5000
const bytesMax = 256 * 1024

/** The JWKS at `url` as text. Rejects on a redirect, any status but 200, more than 256 KiB, or after 5 s. */
export async function fetchJwks(url: string): Promise<string> {
  const response = await fetch(url, {
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: 'application/json, application/jwk-set+json' },
  })
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel()
    throw new Error(`\`${url}\` answered ${response.status}`)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.length
    // Leaving the loop cancels the rest.
    if (bytes > bytesMax) throw new Error(`\`${url}\` sent more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
