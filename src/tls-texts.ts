// Certificate, key and authorities of the listener, as texts: whether they can serve, before anybody relies on it.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'

/** PEM. The key is a secret: never in a message. */
export type TlsTexts = {
  readonly certPem: string
  readonly keyPem: string
  /** null: no client certificates. */
  readonly clientCaPem: string | null
}

export type TlsFault = { readonly in: 'cert' | 'key' | 'clientCa'; readonly reason: string }

const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Every certificate of the text, in order; null when one cannot be read. */
export function readCertificates(pem: string): readonly X509Certificate[] | null {
  try {
    return (pem.match(certificatePattern) ?? []).map((text) => new X509Certificate(text))
  } catch {
    return null
  }
}

/** What is wrong with them, null when a listener can use them. An expired certificate is no fault: it still serves. */
export function faultOfTls({ certPem, keyPem, clientCaPem }: TlsTexts): TlsFault | null {
  const [leaf] = readCertificates(certPem) ?? []
  if (leaf === undefined) return { in: 'cert', reason: 'holds no PEM certificate that can be read' }
  const isEncrypted = keyPem.includes('ENCRYPTED')
  if (isEncrypted) return { in: 'key', reason: 'is encrypted; nobody is there to say its passphrase' }
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(keyPem))) {
      return { in: 'key', reason: 'is the key of another certificate' }
    }
  } catch {
    return { in: 'key', reason: 'holds no PEM private key that can be read' }
  }
  const authorities = clientCaPem === null ? [] : readCertificates(clientCaPem)
  if (authorities === null || (clientCaPem !== null && authorities.length === 0)) {
    return { in: 'clientCa', reason: 'holds no PEM certificate that can be read' }
  }
  if (authorities.some(({ ca }) => !ca)) {
    return { in: 'clientCa', reason: 'holds a certificate that is no authority' }
  }
  try {
    createSecureContext({ cert: certPem, key: keyPem, ...(clientCaPem === null ? {} : { ca: clientCaPem }) })
    return null
  } catch {
    return { in: 'cert', reason: 'cannot be used by a TLS listener' }
  }
}
