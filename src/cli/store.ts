/** `opslog store`: the embedded event store node by itself. */
import { once } from 'node:events'
import { Command } from 'commander'
import { startEventStore } from '../embedded/eventstore/start.ts'

export function storeCommand(): Command {
  const store = new Command('store').description('the embedded event store node')
  store
    .command('serve')
    .description('serve a data directory of events, until Ctrl-C')
    .requiredOption('--directory <path>', 'where the log is kept')
    .option('--port <number>', 'port on 127.0.0.1; 0 takes a free one', '2113')
    .addHelpText('after', '\nExample:\n  opslog store serve --directory ./data/eventstore --port 2113\n')
    .action(async ({ directory, port }: { directory: string; port: string }) => {
      const node = await startEventStore({ directory, port: Number(port) })
      process.stdout.write(`${node.url}\n`)
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
      await node.close()
    })
  return store
}
