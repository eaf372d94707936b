/**
 * To whom a connection over loopback belongs. Every user of a machine reaches its loopback ports; on Linux the kernel tells
 * which user a socket there is of. Who is this process's own user could read the data directory anyway.
 */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'

/** `127.0.0.1`, port 8080 → `0100007F:1F90`, as /proc/net/tcp has it. */
function procAddress(address: string, port: number): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
  return `${bytes.toReversed().join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase()
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
 * services that run as root make connections for others, and root itself can read what a caller is to name instead.
 */
export function isOwnUser({ remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 }: Socket): boolean {
  const ends = [procAddress(remoteAddress, remotePort), procAddress(localAddress, localPort)]
  const line = connections().find((each) => each[LOCAL] === ends[0] && each[REMOTE] === ends[1])
  if (line?.[STATE] !== ESTABLISHED) return false
  const uid = Number(line[USER])
  return uid !== NOBODY && uid === process.getuid?.()
}

function connections(): string[][] {
  try {
    return readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === CODE_MISSING) return []
    throw error
  }
}
