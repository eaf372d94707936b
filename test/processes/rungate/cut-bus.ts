/** What stands for a process that ends between two streams. */
import type { CommandBus } from '../../../src/commands/handle.ts'

/** A bus whose process ends before its next command, after so many. */
export function cutAfter(bus: CommandBus, commands: number): CommandBus {
  let left = commands
  const handle: CommandBus['handle'] = (...given) => {
    left -= 1
    return left < 0 ? Promise.reject(new Error('cut')) : bus.handle(...given)
  }
  return { ...bus, handle }
}
