// TLS of the data plane, out of the settings: which files, and whether callers may or must show a certificate.
import { resolve } from 'node:path'
import type { Notes, ReadNamed, Settings } from './config-settings.ts'
import { faultOfTls, type TlsTexts } from './tls-texts.ts'

/** Paths are absolute: the files are read again and again, as they are renewed. */
export type TlsConfig = {
  readonly certFile: string
  readonly keyFile: string
  /** The authorities whose client certificates count; null when none is asked for. */
  readonly clientCaFile: string | null
  readonly client: 'off' | 'optional' | 'required'
}

/** Null for plain http. The files are checked as they are now; what is wrong with them is noted. */
export function readTls(settings: Settings, read: ReadNamed, notes: Notes): TlsConfig | null {
  const { tls_cert_file: certFile, tls_key_file: keyFile, tls_client_ca_file: caFile } = settings
  const client = settings.tls_client ?? (caFile === undefined ? 'off' : 'optional')
  if (certFile === undefined || keyFile === undefined) {
    if (certFile !== keyFile) {
      notes.problems.push(
        `TOLLGATE_TLS_${certFile === undefined ? 'CERT' : 'KEY'}_FILE: is not set; TLS takes a certificate and its key`,
      )
    } else if (caFile !== undefined || client !== 'off') {
      notes.problems.push(
        'TOLLGATE_TLS_CERT_FILE: is not set, but client certificates are asked for; they take TLS',
      )
    }
    return null
  }
  if (client !== 'off' && caFile === undefined) {
    notes.problems.push(
      `TOLLGATE_TLS_CLIENT_CA_FILE: is not set; \`${client}\` client certificates take the authorities that vouch for them`,
    )
  }
  if (client === 'off' && caFile !== undefined) {
    notes.warnings.push('TOLLGATE_TLS_CLIENT_CA_FILE: has no effect while TOLLGATE_TLS_CLIENT is `off`')
  }
  const wantedCa = client === 'off' ? undefined : caFile
  const texts = {
    certPem: read('TOLLGATE_TLS_CERT_FILE', certFile),
    keyPem: read('TOLLGATE_TLS_KEY_FILE', keyFile),
    clientCaPem: read('TOLLGATE_TLS_CLIENT_CA_FILE', wantedCa) ?? null,
  }
  if (hasBoth(texts)) noteFault(texts, settings, notes)
  return {
    certFile: resolve(certFile),
    keyFile: resolve(keyFile),
    clientCaFile: wantedCa === undefined ? null : resolve(wantedCa),
    client,
  }
}

type MaybeTexts = { readonly certPem: string | undefined; readonly keyPem: string | undefined }

const hasBoth = (texts: MaybeTexts & Pick<TlsTexts, 'clientCaPem'>): texts is TlsTexts =>
  texts.certPem !== undefined && texts.keyPem !== undefined

function noteFault(texts: TlsTexts, settings: Settings, notes: Notes): void {
  const fault = faultOfTls(texts)
  if (fault === null) return
  const label = { cert: 'tls_cert_file', key: 'tls_key_file', clientCa: 'tls_client_ca_file' } as const
  const setting = label[fault.in]
  notes.problems.push(`TOLLGATE_${setting.toUpperCase()}: \`${settings[setting]}\` ${fault.reason}`)
}
