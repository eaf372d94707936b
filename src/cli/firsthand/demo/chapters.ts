/** `opslog demo firsthand`: from a purchase to paid files, over HTTP alone. */

import type { DemoSetting } from '../../demo/setting.ts'
import { buyCredits, listen, postJob, signIn } from './buying.ts'
import { cancelJob, download, readBooks, readWebhooks, tryTestWorld } from './closing.ts'
import { beginStory, type FirsthandChapter, type Say } from './story.ts'
import { workOnJob } from './working.ts'

const chapters: readonly FirsthandChapter[] = [
  ['Sign in', signIn],
  ['Buy credits', buyCredits],
  ['Listen to webhooks', listen],
  ['Post a job', postJob],
  ['Work on it', workOnJob],
  ['Cancel the rest', cancelJob],
  ['Read the books', readBooks],
  ['Download a file', download],
  ['Read the webhooks', readWebhooks],
  ['Try the test world', tryTestWorld],
]

/** The run's name, and its chapters. */
export function firsthandDemo(setting: DemoSetting) {
  const story = beginStory(setting)
  const told = chapters.map(([title, work]) => [title, (say: Say) => work(story, say)] as const)
  return { run: story.run, chapters: told }
}
