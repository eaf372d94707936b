/** `opslog admin firsthand`: organizations, their keys and their credits. */
import type { Command } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { creditCommand } from './credits.ts'
import { keyCommand } from './keys.ts'
import { objectsCommand } from './objects.ts'
import { organizationCommand } from './organizations.ts'
import { webhookCommand } from './webhooks.ts'

export const firsthandCommands = (tools: AdminTools): Command[] =>
  [organizationCommand, keyCommand, creditCommand, webhookCommand, objectsCommand].map((make) => make(tools))
