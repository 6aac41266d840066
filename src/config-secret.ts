// Secrets and certificates of the configuration: from a file or a variable, checked, never repeated.
import { X509Certificate } from 'node:crypto'
import { type Environment, type Notes, present, type ReadNamed } from './config-settings.ts'

/**
 * A secret from its file, else from its variable; undefined when there is neither. Blanks around it are dropped.
 * The file wins, and two different ones are told.
 */
export function readSecret(
  env: Environment,
  variable: string,
  fileVariable: string,
  path: string | undefined,
  read: ReadNamed,
  notes: Notes,
): string | undefined {
  const direct = present(env[variable]?.trim())
  const text = read(fileVariable, path)?.trim()
  if (text === '') notes.problems.push(`${fileVariable}: \`${path}\` is empty; write the secret into it`)
  const secret = present(text) ?? direct
  if (secret !== undefined && !/^[\x21-\x7e]+$/.test(secret)) {
    notes.problems.push(
      `${text ? fileVariable : variable}: holds blanks or characters that no header can carry`,
    )
  }
  if (text && direct !== undefined && text !== direct) {
    notes.warnings.push(`${fileVariable} and ${variable} hold different secrets; the file's is used`)
  }
  return secret
}

/** True when `pem` begins with a certificate that can be read. */
export function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    return false
  }
}
