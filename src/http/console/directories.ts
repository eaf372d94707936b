/** What the console keeps in memory of the log. */
import { createSessionDirectory } from '../../projections/console/credentials.ts'

export const consoleDirectories = () => ({ sessions: createSessionDirectory() })
export type ConsoleDirectories = ReturnType<typeof consoleDirectories>
