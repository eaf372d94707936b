/** Prompts to begin with, which every workspace has. */
export interface StudioTemplate {
  templateId: string
  title: string
  description: string
  prompt: string
}

export const templates: readonly StudioTemplate[] = [
  {
    templateId: 'product-film',
    title: 'Product film',
    description: 'A film of thirty seconds, as a storyboard of six scenes.',
    prompt: 'Make a storyboard of six scenes, five seconds each, for a film about my product. Ask me what it is first.',
  },
  {
    templateId: 'picture-series',
    title: 'Picture series',
    description: 'Four pictures in one style.',
    prompt: 'Write a note with one style for four pictures, and then ask for the pictures.',
  },
  {
    templateId: 'spoken-introduction',
    title: 'Spoken introduction',
    description: 'A text of twenty seconds, and its recording.',
    prompt: 'Write a text of twenty seconds that introduces my channel, and then have it spoken.',
  },
]
