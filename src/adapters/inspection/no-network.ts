/**
 * Takes the network from this process: nothing connects, listens, sends or resolves any more. Node's permissions do not
 * know the network yet. Where the system lets it, the process has a network of its own besides, with nothing in it
 * (launch.ts). Imported first by the inspector's child process.
 */
import dgram from 'node:dgram'
import dns from 'node:dns'
import net from 'node:net'

function refuse(): never {
  throw new Error('the inspector has no network')
}

for (const [owner, names] of [
  [net.Socket.prototype, ['connect']],
  [net.Server.prototype, ['listen']],
  [dgram.Socket.prototype, ['bind', 'connect', 'send']],
  [dns, ['lookup', 'resolve', 'resolve4', 'resolve6', 'resolveAny', 'reverse']],
  [dns.promises, ['lookup', 'resolve', 'resolve4', 'resolve6', 'resolveAny', 'reverse']],
  [dns.Resolver.prototype, ['resolve', 'resolve4', 'resolve6', 'resolveAny', 'reverse']],
  [dns.promises.Resolver.prototype, ['resolve', 'resolve4', 'resolve6', 'resolveAny', 'reverse']],
] as const) {
  for (const name of names) Object.defineProperty(owner, name, { value: refuse, writable: false, configurable: false })
}
