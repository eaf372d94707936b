/** What a test prepares beside HTTP is there when it asks: its bus waits for the read models, as a request of its own would. */
import type { CommandBus } from '../../src/commands/handle.ts'
import type { PositionWaiter } from '../../src/projections/waiter.ts'

/** Of projectors in this process, which share its loop with those who ask. */
export const READ_YOUR_WRITES_WAIT_MS = 5_000

/** `waiterOf`: by the context whose event it was; without one, nothing is waited for. */
export function showingBus(bus: CommandBus, waiterOf: (context: string) => PositionWaiter | undefined): CommandBus {
  const handle: CommandBus['handle'] = async (...given) => {
    const handled = await bus.handle(...given)
    const [aggregate] = given
    const waiter = waiterOf(aggregate.category.split('.')[0] ?? '')
    // Where the read models stand still because a test wants it, whoever asks them sees that.
    if (handled.position !== undefined) await waiter?.waitFor(handled.position, READ_YOUR_WRITES_WAIT_MS)
    return handled
  }
  return { ...bus, handle }
}
