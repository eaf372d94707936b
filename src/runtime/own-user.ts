/**
 * To whom a connection over loopback belongs. Every user of a machine reaches its loopback ports; on Linux the kernel tells
 * which user a socket there is of. Who is this process's own user could read the data directory anyway.
 */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'

/** Of `::1`, as /proc/net/tcp6 has it, and what stands there before an IPv4 address. */
const [LOOPBACK_IPV6, MAPPED] = ['00000000000000000000000001000000', '0000000000000000FFFF0000']

/** `127.0.0.1`, port 8080 → `0100007F:1F90`, as /proc/net/tcp has it. Of IPv6 `::1` and mapped addresses alone. */
function procAddress(address: string, port: number): string {
  const bytes = address.replace(/^::ffff:/i, '').split('.')
  const hex = bytes.map((part) => Number(part).toString(16).padStart(2, '0'))
  const host = address === '::1' ? LOOPBACK_IPV6 : hex.toReversed().join('')
  return `${host}:${port.toString(16).padStart(4, '0')}`.toUpperCase()
}

const CODE_MISSING = 'ENOENT'
/** A socket that its owner has closed says user 0, whoever that was: only an open one says whose it is. */
const ESTABLISHED = '01'
/** Columns of /proc/net/tcp. */
const [LOCAL, REMOTE, STATE, USER] = [1, 2, 3, 7]

/** Stands for every user whom the kernel does not show to this process, as one of another user namespace. */
const NOBODY = 65_534

/**
 * Whether the other end of the connection is a process of this user. False where nobody can tell. Root is not taken for it:
 * services that run as root make connections for others, and root itself can read what a caller is to name instead. `read`
 * gives the text of one of the kernel's files.
 */
export function isOwnUser(
  { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 }: Socket,
  read = textOf,
): boolean {
  const ends = [procAddress(remoteAddress, remotePort), procAddress(localAddress, localPort)]
  const isIt = (each: string[]) => each[LOCAL] === ends[0] && each[REMOTE] === ends[1]
  const line = linesOf(read('/proc/net/tcp')).find(isIt) ?? linesOf(read('/proc/net/tcp6')).find(isIt)
  if (line?.[STATE] !== ESTABLISHED) return false
  const uid = Number(line[USER])
  return uid !== NOBODY && uid === process.getuid?.()
}

/** The same, but true on systems other than Linux, whose kernels do not tell. For what only a developer's machine has. */
export const maybeOwnUser = (socket: Socket): boolean => process.platform !== 'linux' || isOwnUser(socket)

const linesOf = (text: string): string[][] =>
  text
    .replaceAll(MAPPED, '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))

/** '' where the system has no such file. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === CODE_MISSING) return ''
    throw error
  }
}
