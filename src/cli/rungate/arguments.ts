/** Arguments that several of rungate's commands take. */
import { InvalidArgumentError } from 'commander'

const PORT_MAX = 65_535

export function portOf(value: string): number {
  const port = Number(value)
  if (/^\d{1,5}$/.test(value) && port <= PORT_MAX) return port
  throw new InvalidArgumentError(`A port is a whole number from 0 to ${PORT_MAX}.`)
}
