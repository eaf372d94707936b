/** What noctant's HTTP keeps in memory of the log. */
import { createCredentialDirectory } from '../../projections/noctant/credentials.ts'

export const noctantDirectories = () => ({ credentials: createCredentialDirectory() })
export type NoctantDirectories = ReturnType<typeof noctantDirectories>
