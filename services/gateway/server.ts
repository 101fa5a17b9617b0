import { runService } from '@orderplane/shared/service.ts';
import { gateway } from './app.ts';

await runService(gateway);
