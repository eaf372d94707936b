/**
 * A process that asks one server what it is told to ask, one probe after the other. The official client keeps the
 * promises of all its appends in one table per process and rejects all of them when any batch call fails, so probes that
 * run at the same time need processes of their own.
 */
import { attempt, contextOf, err, normalise, probes, sleep, TIMEOUT_MS, within } from './asking.mjs'
import './fresh.mjs'
import './append.mjs'
import './append-repeated.mjs'
import './append-contents.mjs'
import './reads.mjs'
import './subscriptions.mjs'
import './metadata.mjs'
import './deletes.mjs'
import './persistent.mjs'
import './services.mjs'
import './connections.mjs'

/** How long a probe goes on after something was thrown outside of it, which often leaves it without an end. */
const AFTER_UNCAUGHT_MS = 1500

let onUncaught
const uncaught = (error) => onUncaught?.(error instanceof Error ? error : new Error(String(error)))
process.on('uncaughtException', uncaught)
process.on('unhandledRejection', uncaught)

async function run({ name, work, timeout = TIMEOUT_MS }, url) {
  const ctx = contextOf(url, name)
  let thrown
  const failed = new Promise((resolve) => {
    onUncaught = (error) => {
      thrown ??= error
      setTimeout(resolve, AFTER_UNCAUGHT_MS)
    }
  })
  const value = await Promise.race([
    within(
      attempt(() => work(ctx)),
      timeout,
    ),
    failed.then(() => '(did not end)'),
  ])
  await ctx.close()
  await sleep(20)
  onUncaught = undefined
  return normalise(thrown ? { uncaught: err(thrown), value } : value, ctx)
}

process.on('message', async ({ name, url }) => {
  const probe = probes.find((each) => each.name === name)
  process.send(probe ? await run(probe, url) : '(there is no such probe)')
})
