// The environments, by the names that --env takes.

export const ENVIRONMENT_NAMES = [
  "netns",
  "local",
  "sim",
  "docker",
  "ssh",
  "vagrant",
  "uml",
] as const;
export type EnvironmentName = (typeof ENVIRONMENT_NAMES)[number];
