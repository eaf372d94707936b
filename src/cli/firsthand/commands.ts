/** `opslog admin firsthand`: organizations with keys and credits, workers, and their submissions. */
import type { Command } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { creditCommand } from './credits.ts'
import { forgetWorkerCommand } from './forget-worker.ts'
import { keyCommand } from './keys.ts'
import { objectsCommand } from './objects.ts'
import { organizationCommand } from './organizations.ts'
import { scoringCommand, submissionCommand } from './submissions.ts'
import { webhookCommand } from './webhooks.ts'
import { workerCommand } from './workers.ts'

export const firsthandCommands = (tools: AdminTools): Command[] =>
  [
    ...[organizationCommand, keyCommand, creditCommand, webhookCommand, objectsCommand],
    ...[workerCommand, forgetWorkerCommand, submissionCommand, scoringCommand],
  ].map((make) => make(tools))
