/** `opslog demo rungate`: two agents’ libraries under a budget, from registration to the ledger, over HTTP alone. */
import type { ContextDemo, DemoSetting } from '../../demo/setting.ts'
import { CliError, EXIT, reasonOf } from '../../terminal.ts'
import { approveTool, callModels, failOver, refuse, streamAnswer } from './calling.ts'
import { readFigures, readLedger, signInByMail } from './closing.ts'
import { addProviderKeys, register, setPolicy } from './opening.ts'
import { spendAtOnce, stopAndLift } from './spending.ts'
import { beginStory, type RungateChapter, type Say } from './story.ts'
import { listen, readWebhooks } from './webhooks.ts'

const chapters: readonly RungateChapter[] = [
  ['Register', register],
  ['Add keys of two providers', addProviderKeys],
  ['Limit an agent to $0.05 a run', setPolicy],
  ['Listen to webhooks', listen],
  ['Call by both libraries', callModels],
  ['Stream an answer', streamAnswer],
  ['Refuse a model and a tool', refuse],
  ['Have a tool approved', approveTool],
  ['Fail over to the other format', failOver],
  ['Spend the last cent 200 times at once', spendAtOnce],
  ['Stop a run, and lift the block', stopAndLift],
  ['Read the webhooks', readWebhooks],
  ['Sign in by mail', signInByMail],
  ['Read the figures', readFigures],
  ['Read the ledger', readLedger],
]

export function rungateDemo(setting: DemoSetting): ContextDemo {
  const story = beginStory(setting)
  const told = chapters.map(([title, work]) => [title, (say: Say) => work(story, say).catch(explain)] as const)
  const close = async () => {
    story.found.listener?.close()
    await story.found.simulator?.close()
  }
  return { run: story.run, chapters: told, close }
}

/** Throws what a library has thrown as an ending of ours; anything else as it is. */
function explain(error: unknown): never {
  const { status, message } = error as Error & { status?: number }
  if ((error as object).constructor.name === 'APIConnectionError') {
    throw new CliError(EXIT.unreachable, `the API cannot be reached: ${reasonOf(error)}`, 'Start it with `npm start`.')
  }
  if (typeof status === 'number') throw new CliError(EXIT.refused, `a call was answered ${message}`)
  throw error
}
