/** `opslog demo killatamata`: a customer from the mailed code to files that play, and books that add up. */
import { rm } from 'node:fs/promises'
import type { ContextDemo, DemoSetting } from '../../demo/setting.ts'
import { buyByCard, buyByX402 } from './buying.ts'
import { readBooks, verifyLog } from './closing.ts'
import { playGame, publishGame } from './playing.ts'
import { refer } from './referring.ts'
import { linkDevice, lookAround, signInByMail } from './signing-in.ts'
import { beginStory, type KillatamataChapter, type Say } from './story.ts'
import { workInStudio } from './studio.ts'
import { editPicture, fail, film, makePicture, speak, spendLastDollar } from './working.ts'

const chapters: readonly KillatamataChapter[] = [
  ['Look around', lookAround],
  ['Sign in by a mailed code', signInByMail],
  ['Link a device', linkDevice],
  ['Buy 20 dollars by card', buyByCard],
  ['Buy 5 dollars by x402', buyByX402],
  ['Make a picture, and hear of it', makePicture],
  ['Edit it', editPicture],
  ['Have a sentence spoken', speak],
  ['Film it, and resize the clip', film],
  ['Fail over a source that is no picture', fail],
  ['Spend the last dollar 200 times at once', spendLastDollar],
  ['Refer a friend', refer],
  ['Publish a game, and have evil bundles refused', publishGame],
  ['Play it', playGame],
  ['Work in the studio', workInStudio],
  ['Read the books', readBooks],
  ['Verify the log', verifyLog],
]

export function killatamataDemo(setting: DemoSetting): ContextDemo {
  const story = beginStory(setting)
  const told = chapters.map(([title, work]) => [title, (say: Say) => work(story, say)] as const)
  const close = async () => {
    if (!story.keeps) await rm(story.directory, { recursive: true, force: true })
  }
  return { run: story.run, chapters: told, close }
}
