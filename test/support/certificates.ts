/** Certificates for servers on this machine, made by openssl for the time of a test. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificate {
  /** Paths, and what the files hold. */
  keyFile: string
  certificateFile: string
  key: Buffer
  certificate: Buffer
}

const openssl = (args: readonly string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] })

/** An authority of its own, which nobody trusts unless told to. */
export function makeAuthority(directory: string): Certificate {
  const paths = pathsOf(directory, 'authority')
  const subject = ['-subj', '/CN=opslog test authority', '-days', '1']
  openssl([...newKey, '-x509', ...subject, '-keyout', paths.keyFile, '-out', paths.certificateFile])
  return loaded(paths)
}

/** A certificate for localhost and 127.0.0.1 that the authority has signed; `isExpired`: valid until yesterday. */
export function makeServerCertificate(
  directory: string,
  authority: Certificate,
  { isExpired = false, names = 'DNS:localhost,IP:127.0.0.1' } = {},
): Certificate {
  const paths = pathsOf(directory, `server-${isExpired ? 'expired' : names.replace(/\W/g, '')}`)
  const request = `${paths.keyFile}.csr`
  const extension = ['-addext', `subjectAltName=${names}`]
  openssl([...newKey, '-subj', '/CN=opslog test', ...extension, '-keyout', paths.keyFile, '-out', request])
  const signedBy = ['-CA', authority.certificateFile, '-CAkey', authority.keyFile, '-CAcreateserial']
  const validity = ['-days', isExpired ? '-1' : '1']
  const copied = ['-copy_extensions', 'copy']
  openssl(['x509', '-req', '-in', request, ...signedBy, ...validity, ...copied, '-out', paths.certificateFile])
  return loaded(paths)
}

const newKey = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

const pathsOf = (directory: string, name: string) => ({
  keyFile: join(directory, `${name}.key`),
  certificateFile: join(directory, `${name}.crt`),
})

function loaded(paths: { keyFile: string; certificateFile: string }): Certificate {
  return { ...paths, key: readFileSync(paths.keyFile), certificate: readFileSync(paths.certificateFile) }
}
