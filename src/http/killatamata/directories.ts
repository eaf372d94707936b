/** What killatamata's HTTP keeps in memory of the log. */
import { createCredentialDirectory, createSessionDirectory } from '../../projections/killatamata/credentials.ts'

export const killatamataDirectories = () => ({
  ...{ credentials: createCredentialDirectory(), sessions: createSessionDirectory() },
})
export type KillatamataDirectories = ReturnType<typeof killatamataDirectories>
