/** `opslog admin secrets`: another key of the instance in the place of the one that seals the vault. */
import { Command } from 'commander'
import { withAdminSession } from './admin-session.ts'
import { configuration } from './connection.ts'
import { examples } from './examples.ts'
import { CliError, colours, EXIT, remark, show } from './terminal.ts'

export function secretsCommand(): Command {
  const command = new Command('secrets')
  command
    .command('rotate')
    .description('seal everything with SECRETS_KEY that was sealed with SECRETS_KEY_PREVIOUS; may be repeated')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nFirst give every process both keys and restart it; docs/runbook.md has the steps.' +
        '\nEnds with exit code 1 where a key does not open.',
    )
    .addHelpText('after', examples())
    .action(rotate)
  return command
}

async function rotate(options: { json?: boolean }): Promise<void> {
  const [{ rotateSecretsKey }, { keyRingOf }] = await Promise.all([
    import('../vault/rotation.ts'),
    import('./person-keys.ts'),
  ])
  const config = configuration()
  const ring = keyRingOf(config)
  if (!ring)
    throw new CliError(EXIT.refused, 'there is no key to seal with', 'Set SECRETS_KEY and SECRETS_KEY_PREVIOUS.')
  await withAdminSession(async ({ db }) => {
    const rotation = await rotateSecretsKey(db, ring, {
      batchMax: config.SECRETS_ROTATE_BATCH_MAX,
      onProgress: (count) => {
        if (!options.json) remark(colours.dim(`${count} keys sealed anew`))
      },
      onUnreadable: ({ table, id }) => remark(colours.yellow(`the key of ${id} in ${table} does not open`)),
    })
    const { keyId, rewrapped, unreadable } = rotation
    const value = { key_id: keyId, rewrapped, unreadable }
    if (unreadable > 0) process.exitCode = EXIT.refused
    show(value, options, () =>
      unreadable === 0
        ? colours.green(`Everything is sealed with the key ${keyId} now; ${rewrapped} keys were sealed anew.`)
        : colours.yellow(`${unreadable} keys do not open with any key at hand and were left as they are.`),
    )
  })
}
