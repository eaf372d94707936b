/** The skill by which agents learn to use this API: its version and its addresses. */
import { VERSION } from '../version.ts'

export const SKILL_VERSION = '0.1.0'
export const SKILL_PATHS = {
  manifest: '/killatamata/.well-known/agent-skills.json',
  root: '/killatamata/skills/killatamata/',
  metadata: '/killatamata/skills/killatamata/metadata.json',
  entrypoint: '/killatamata/skills/killatamata/SKILL.md',
} as const

/** `origin`: where clients reach the API, without a slash at its end. */
export const skillAt = (origin: string) => ({
  ...{ name: 'killatamata', version: SKILL_VERSION, compatibleApiVersion: VERSION },
  ...{ compatibilityPolicy: 'exact' as const, autoUpdate: true },
  manifestUrl: `${origin}${SKILL_PATHS.manifest}`,
  metadataUrl: `${origin}${SKILL_PATHS.metadata}`,
  rootUrl: `${origin}${SKILL_PATHS.root}`,
  entrypointUrl: `${origin}${SKILL_PATHS.entrypoint}`,
})
