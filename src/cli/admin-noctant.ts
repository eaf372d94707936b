/** Noctant's part of `opslog admin`. */
import type { Command } from 'commander'
import { challengeCommand } from './admin-challenges.ts'
import { feedCommand } from './admin-feeds.ts'
import { forgetUserCommand } from './admin-forget.ts'
import { keyCommand } from './admin-keys.ts'
import { operatorCommand } from './admin-operators.ts'
import { productCommand } from './admin-products.ts'
import { templateCommand } from './admin-templates.ts'
import { webhookCommand } from './admin-webhooks.ts'

export const noctantCommands = (): Command[] => [
  operatorCommand(),
  keyCommand(),
  templateCommand(),
  productCommand(),
  challengeCommand(),
  feedCommand(),
  webhookCommand(),
  forgetUserCommand(),
]
