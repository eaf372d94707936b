/** `opslog demo rungate`: two agents’ libraries under a budget, from registration to the ledger, over HTTP alone. */
import type { ContextDemo, DemoSetting } from '../../demo/setting.ts'
import { approveTool, callModels, failOver, refuse, streamAnswer } from './calling.ts'
import { readFigures, readLedger, signInByMail } from './closing.ts'
import { addProviderKeys, register, setPolicy } from './opening.ts'
import { spendAtOnce, stopAndLift } from './spending.ts'
import { beginStory, type RungateChapter, type Say } from './story.ts'

const chapters: readonly RungateChapter[] = [
  ['Register', register],
  ['Add keys of two providers', addProviderKeys],
  ['Limit an agent to $0.05 a run', setPolicy],
  ['Call by both libraries', callModels],
  ['Stream an answer', streamAnswer],
  ['Refuse a model and a tool', refuse],
  ['Have a tool approved', approveTool],
  ['Fail over to the other format', failOver],
  ['Spend the last cent 200 times at once', spendAtOnce],
  ['Stop a run, and lift the block', stopAndLift],
  ['Sign in by mail', signInByMail],
  ['Read the figures', readFigures],
  ['Read the ledger', readLedger],
]

export function rungateDemo(setting: DemoSetting): ContextDemo {
  const story = beginStory(setting)
  const told = chapters.map(([title, work]) => [title, (say: Say) => work(story, say)] as const)
  const close = async () => {
    await story.found.simulator?.close()
  }
  return { run: story.run, chapters: told, close }
}
