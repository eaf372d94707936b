/** The console's variables of the environment, each with its unit last and its default. */
import { z } from 'zod'
import { count } from '../../runtime/setting.ts'

export const consoleSettings = z.object({
  CONSOLE: z.enum(['auto', 'on', 'off']).default('auto').describe('pages for people at /console; auto: they are there'),
  CONSOLE_LINK_TTL_S: count(300).describe('how long a link of `opslog console` can be used'),
  CONSOLE_SESSION_TTL_S: count(43_200).describe('how long a browser stays signed in to the console, in all'),
  CONSOLE_SESSION_IDLE_S: count(3_600).describe('how long it stays so without being used'),
  CONSOLE_FOLLOWERS_MAX: count(100).describe('pages of the console that follow the log at a time'),
})
