import { runService } from '@orderplane/shared/service.ts';
import { inventory } from './app.ts';

await runService(inventory);
